rule portray:
    """Draw some structures of an ensemble and the distribution of its stiffness.

    Wildcards: ensemble.
    """
    input:
        ensemble=paths.ensemble(),
        asked=remake(paths.portrait("portray.provenance.json"), asked.portrait),
    output:
        gallery=paths.portrait("gallery.svg"),
        distribution=paths.portrait("distribution.svg"),
        provenance=paths.portrait("portray.provenance.json"),
    log:
        paths.log("portray", "{ensemble}"),
    benchmark:
        paths.benchmark("portray", "{ensemble}")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=lambda wildcards, attempt: attempt * 5,
    params:
        folder=lambda wildcards: paths.portrait("", wildcards.ensemble),
        code=code("portray"),
    shell:
        "polysve portray {input.ensemble} {params.folder} > {log} 2>&1"
