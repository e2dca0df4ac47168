rule homogenize:
    """Compute the apparent stiffness of the SVEs of one shard.

    Wildcards: ensemble; start and stop, the range of SVE indices. The mesh is temporary and can't tell by itself that
    it would be another one now: its settings and code are parameters here too.
    """
    input:
        tessellation=paths.tessellation(),
        mesh=paths.mesh(),
        asked=remake(paths.stiffness(), asked.stiffness),
    output:
        stiffness=paths.stiffness(),
    log:
        paths.log("homogenize", "{ensemble}/{start}-{stop}"),
    benchmark:
        paths.benchmark("homogenize", "{ensemble}/{start}-{stop}")
    priority: 2
    group:
        "shard"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * (1000 + grains(wildcards) // 200),
        runtime=lambda wildcards, attempt: attempt * (2 + grains(wildcards) // 10_000),
    params:
        settings=lambda wildcards: STUDY.homogenize_slice(wildcards.ensemble).canonical_json(),
        code=code("homogenize"),
        mesh_settings=STUDY.mesh.canonical_json(),
        mesh_code=code("mesh"),
    shell:
        "polysve homogenize {input.tessellation} {input.mesh} {output.stiffness} --settings {params.settings:q} > {log} 2>&1"
