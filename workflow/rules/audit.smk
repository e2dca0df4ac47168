rule audit:
    """Compute the first labels of an ensemble once more by gmsh and scikit-fem, and stop where they differ.

    Wildcards: ensemble.
    """
    input:
        ensemble=paths.ensemble(),
        asked=remake(paths.audit(suffix=".provenance.json"), asked.audit),
    output:
        audit=paths.audit(),
        provenance=paths.audit(suffix=".provenance.json"),
    log:
        paths.log("audit", "{ensemble}"),
    benchmark:
        paths.benchmark("audit", "{ensemble}")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * (1000 + 4 * round(STUDY.tessellate_slice(wildcards.ensemble).ratio ** 2)),
        runtime=lambda wildcards, attempt: attempt
        * (
            2
            + round(
                STUDY.audit.count * STUDY.tessellate_slice(wildcards.ensemble).ratio ** 2 / 2000
            )
        ),
    params:
        settings=STUDY.audit.canonical_json(),
        code=code("audit"),
    shell:
        "polysve audit {input.ensemble} {output.audit} --settings {params.settings:q} > {log} 2>&1"
