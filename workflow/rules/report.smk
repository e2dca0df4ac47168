rule report:
    """Write all figures, tables and run times as one page that needs no network. No wildcards.

    Snakemake itself makes it, from the finished jobs; the whole settings are its only parameter.
    """
    input:
        paths.COMPARISON,
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
        settings=STUDY.canonical_json(),
        snakefile=f"{workflow.basedir}/Snakefile",
    shell:
        "snakemake {input} --snakefile {params.snakefile:q} --configfile <(echo {params.settings:q})"
        " --workflow-profile none --nolock --report {output} > {log} 2>&1"
