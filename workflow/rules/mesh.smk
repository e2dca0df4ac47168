rule mesh:
    """Mesh the grain structures of one shard.

    Wildcards: ensemble; start and stop, the range of SVE indices.
    """
    input:
        tessellation=paths.tessellation(),
        asked=remake(paths.mesh(), asked.mesh),
    output:
        mesh=paths.mesh() if STUDY.keep_meshes else temp(paths.mesh()),
    log:
        paths.log("mesh", "{ensemble}/{start}-{stop}"),
    benchmark:
        paths.benchmark("mesh", "{ensemble}/{start}-{stop}")
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
        settings=STUDY.mesh.canonical_json(),
        code=code("mesh"),
    shell:
        "polysve mesh {input.tessellation} {output.mesh} --settings {params.settings:q} > {log} 2>&1"
