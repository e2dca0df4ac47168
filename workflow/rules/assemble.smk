def shards_of(wildcards):
    return paths.shards(
        STUDY.ensembles[wildcards.ensemble].count, STUDY.shard_size(wildcards.ensemble)
    )


rule assemble:
    """Join the shards of an ensemble into its data set.

    Wildcards: ensemble.
    """
    input:
        lambda wildcards: [
            paths.tessellation(wildcards.ensemble, shard) for shard in shards_of(wildcards)
        ],
        lambda wildcards: [
            paths.stiffness(wildcards.ensemble, shard) for shard in shards_of(wildcards)
        ],
    output:
        paths.ensemble(),
    log:
        paths.log("assemble", "{ensemble}"),
    benchmark:
        paths.benchmark("assemble", "{ensemble}")
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
        "polysve assemble {params.folder} {output} --settings {params.settings:q} > {log} 2>&1"
