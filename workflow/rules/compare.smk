rule compare:
    """Write the metrics of all experiments side by side. No wildcards."""
    input:
        metrics=[paths.experiment("metrics.json", name) for name in STUDY.experiments],
        asked=remake(paths.comparison_record, asked.comparison),
    output:
        comparison=report(
            paths.comparison, caption="../report/comparison.rst", category="Comparison"
        ),
        summary=paths.comparison_summary,
        provenance=report(
            paths.comparison_record,
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
        "polysve compare {output.comparison} {input.metrics} > {log} 2>&1"
