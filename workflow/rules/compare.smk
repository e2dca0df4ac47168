rule compare:
    """Write the metrics of all experiments side by side. No wildcards."""
    input:
        metrics=[paths.experiment("metrics.json", name) for name in STUDY.experiments],
        asked=remake(paths.comparison_record, asked.comparison),
    output:
        comparison=paths.comparison,
        provenance=paths.comparison_record,
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
