rule report:
    """Write the page that shows the study, which needs no network; beside it lies the study itself. No wildcards."""
    input:
        **{kind: list(files.values()) for kind, files in reported().items()},
        asked=remake(paths.report_record, asked.report),
    output:
        report=paths.report,
        study=paths.study,
        provenance=paths.report_record,
    log:
        paths.log("report", "all"),
    benchmark:
        paths.benchmark("report", "all")
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("report"),
        # what depends on an output is no reason for Snakemake to run a job again: only new results are
        study=lambda wildcards, output: ownership.written(STUDY, workflow.configfiles),
        files=[
            f"--{option}={name}={file}"
            for option, files in reported().items()
            for name, file in files.items()
        ],
    shell:
        "printf %s {params.study:q} > {output.study}"
        " && polysve report {output.report} {output.study} {params.files} > {log} 2>&1"
