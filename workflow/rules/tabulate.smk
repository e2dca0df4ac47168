rule tabulate:
    """Write the scatter of all families of films as one table, some of it checked by finite elements. No wildcards."""
    input:
        stiffness=films_of_study,
        asked=remake(paths.atlas_record, asked.atlas),
    output:
        atlas=paths.atlas,
        checks=paths.atlas_checks,
        provenance=paths.atlas_record,
    log:
        paths.log("tabulate", "all"),
    benchmark:
        paths.benchmark("tabulate", "all")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        folder=paths.films_folder,
        settings=STUDY.tabulate_slice().canonical_json(),
        code=code("tabulate"),
    shell:
        "polysve tabulate {params.folder} {output.atlas} {output.checks} --settings {params.settings:q} > {log} 2>&1"
