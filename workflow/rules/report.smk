rule report:
    """Write all figures, tables and run times as one page that needs no network. No wildcards.

    Snakemake itself makes it, from the finished jobs. Beside it lies the study that it shows.
    """
    input:
        comparison=paths.comparison,
        metrics=[paths.experiment("metrics.json", name) for name in STUDY.experiments],
        trials=[paths.search("trials.csv", name) for name in STUDY.searches],
        galleries=[paths.portrait("gallery.svg", name) for name in STUDY.ensembles],
        audits=audits(),
        asked=lambda wildcards: (
            ancient(NOW) if ownership.report_is_of(STUDY, Path(paths.study)) else NOW
        ),
    output:
        report=paths.report,
        study=paths.study,
    log:
        paths.log("report", "all"),
    benchmark:
        paths.benchmark("report", "all")
    # lint: Specify a conda environment or container for each rule.: Snakemake works here with the packages that it has.
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        # what depends on an output is no reason for Snakemake to run a job again: only new results are
        settings=lambda wildcards, output: STUDY.canonical_json(),
        study=lambda wildcards, output: ownership.written(STUDY, workflow.configfiles),
        snakefile=lambda wildcards, output: f"{REPOSITORY}/Snakefile",
        stylesheet=lambda wildcards, output: f"{REPOSITORY}/workflow/report/report.css",
    shell:
        # the times of the results are enough here: the run around it has seen to their records
        "snakemake {input.comparison} {input.metrics} {input.trials} {input.galleries}"
        " --snakefile {params.snakefile:q} --configfile <(echo {params.settings:q})"
        " --workflow-profile none --nolock --rerun-triggers mtime --report {output.report}"
        " --report-stylesheet {params.stylesheet:q} > {log} 2>&1"
        " && printf %s {params.study:q} > {output.study}"
