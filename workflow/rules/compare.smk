rule compare:
    """Write the metrics of all experiments side by side. No wildcards."""
    input:
        [paths.experiment("metrics.json", name) for name in STUDY.experiments],
    output:
        report(paths.COMPARISON, caption="../report/comparison.rst", category="Comparison"),
        paths.COMPARISON_SUMMARY,
        report(
            f"{paths.RESULTS}/comparison.provenance.json",
            caption="../report/provenance.rst",
            category="Provenance",
        ),
    log:
        paths.log("compare", "all"),
    benchmark:
        paths.benchmark("compare", "all")
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code("compare"),
    shell:
        "polysve compare {output[0]} {input} > {log} 2>&1"
