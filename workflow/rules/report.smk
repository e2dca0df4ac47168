rule report:
    """Write all figures, tables and run times as one page that needs no network. No wildcards.

    Snakemake itself makes it, from the finished jobs.
    """
    input:
        paths.COMPARISON,
        [paths.experiment("metrics.json", name) for name in STUDY.experiments],
        [paths.search("trials.csv", name) for name in STUDY.searches],
        [paths.portrait("gallery.svg", name) for name in STUDY.ensembles],
    output:
        paths.REPORT,
    log:
        paths.log("report", "all"),
    benchmark:
        paths.benchmark("report", "all")
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        # what depends on an output is no reason for Snakemake to run a job again: only new results are
        settings=lambda wildcards, output: STUDY.canonical_json(),
        snakefile=lambda wildcards, output: f"{workflow.basedir}/Snakefile",
        stylesheet=lambda wildcards, output: f"{workflow.basedir}/workflow/report/report.css",
    shell:
        "snakemake {input} --snakefile {params.snakefile:q} --configfile <(echo {params.settings:q})"
        " --workflow-profile none --nolock --report {output}"
        " --report-stylesheet {params.stylesheet:q} > {log} 2>&1"
