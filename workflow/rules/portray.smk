rule portray:
    """Draw some structures of an ensemble and the distribution of its stiffness.

    Wildcards: ensemble.
    """
    input:
        paths.ensemble(),
    output:
        report(
            paths.portrait("gallery.svg"),
            caption="../report/gallery.rst",
            category="Ensembles",
            labels={"ensemble": "{ensemble}", "result": "structures"},
        ),
        report(
            paths.portrait("distribution.svg"),
            caption="../report/distribution.rst",
            category="Ensembles",
            labels={"ensemble": "{ensemble}", "result": "distribution"},
        ),
        paths.portrait("portray.provenance.json"),
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
        "polysve portray {input} {params.folder} > {log} 2>&1"
