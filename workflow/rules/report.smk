rule report:
    """Write the page that shows the study, which needs no network; beside it lies the study itself. No wildcards."""
    input:
        ensembles=[paths.ensemble(name) for name in sorted(STUDY.ensembles)],
        portraits=[paths.portrait("gallery.svg", name) for name in sorted(STUDY.ensembles)],
        metrics=[paths.experiment("metrics.json", name) for name in sorted(STUDY.experiments)],
        trials=[paths.search("trials.csv", name) for name in sorted(STUDY.searches)],
        audits=audits(),
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
        ensembles=[f"--ensemble={name}={paths.ensemble(name)}" for name in sorted(STUDY.ensembles)],
        portraits=[
            f"--portrait={name}={paths.portrait('gallery.svg', name)}"
            for name in sorted(STUDY.ensembles)
        ],
        experiments=[
            f"--experiment={name}={paths.experiment('metrics.json', name)}"
            for name in sorted(STUDY.experiments)
        ],
        searches=[
            f"--search={name}={paths.search('trials.csv', name)}"
            for name in sorted(STUDY.searches)
        ],
        audits=[
            f"--audit={name}={paths.audit(name)}"
            for name in sorted(STUDY.ensembles)
            if STUDY.audit.count
        ],
    shell:
        "printf %s {params.study:q} > {output.study} && polysve report {output.report} {output.study}"
        " {params.ensembles} {params.portraits} {params.experiments} {params.searches} {params.audits} > {log} 2>&1"
