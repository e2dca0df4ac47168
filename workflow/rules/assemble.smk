rule assemble:
    """Join the shards of an ensemble into its data set.

    Wildcards: ensemble.
    """
    input:
        tessellations=lambda wildcards: [
            paths.tessellation(wildcards.ensemble, shard) for shard in shards_of(wildcards)
        ],
        stiffness=lambda wildcards: [
            paths.stiffness(wildcards.ensemble, shard) for shard in shards_of(wildcards)
        ],
        asked=remake(paths.ensemble(), asked.ensemble),
    output:
        ensemble=paths.ensemble(),
    log:
        paths.log("assemble", "{ensemble}"),
    benchmark:
        paths.benchmark("assemble", "{ensemble}")
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * (2000 + STUDY.ensembles[wildcards.ensemble].count // 500),
        runtime=lambda wildcards, attempt: attempt
        * (5 + STUDY.ensembles[wildcards.ensemble].count // 5_000),
    params:
        folder=lambda wildcards: paths.shard_folder(wildcards.ensemble),
        settings=lambda wildcards: STUDY.assemble_slice(wildcards.ensemble).canonical_json(),
        code=code("assemble"),
    shell:
        "polysve assemble {params.folder} {output.ensemble} --settings {params.settings:q} > {log} 2>&1"
