rule tessellate:
    """Draw the grain structures of one shard.

    Wildcards: ensemble; start and stop, the range of SVE indices. Nothing else changes what is drawn.
    """
    input:
        asked=remake(paths.tessellation(), asked.tessellation),
        # files of measured orientations, where a texture samples them
        samples=lambda wildcards: STUDY.sample_files(wildcards.ensemble),
    output:
        tessellation=paths.tessellation(),
    log:
        paths.log("tessellate", "{ensemble}/{start}-{stop}"),
    benchmark:
        paths.benchmark("tessellate", "{ensemble}/{start}-{stop}")
    priority: 2
    group:
        "shard"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * (500 + grains(wildcards) // 500),
        runtime=lambda wildcards, attempt: attempt * (2 + grains(wildcards) // 50_000),
    params:
        settings=lambda wildcards: STUDY.tessellate_slice(wildcards.ensemble).canonical_json(),
        code=code("tessellate"),
    shell:
        "polysve tessellate {output.tessellation} --ensemble {wildcards.ensemble} --start {wildcards.start} --stop {wildcards.stop}"
        " --settings {params.settings:q} > {log} 2>&1"
