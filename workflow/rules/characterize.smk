rule characterize:
    """Compute the apparent stiffness of some films of a family, of all its crystals and textures, without training.

    Wildcards: films, a family; ratio, its L/s; start and stop, the range of film indices.
    """
    input:
        asked=remake(paths.films(suffix=".provenance.json"), asked.films),
        # files of measured orientations, where a texture samples them
        samples=lambda wildcards: STUDY.films[wildcards.films].sample_files,
    output:
        stiffness=paths.films(),
        provenance=paths.films(suffix=".provenance.json"),
    log:
        paths.log("characterize", "{films}/{ratio}/{start}-{stop}"),
    benchmark:
        paths.benchmark("characterize", "{films}/{ratio}/{start}-{stop}")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=lambda wildcards, attempt: attempt * 10,
    params:
        settings=lambda wildcards: STUDY.characterize_slice(
            wildcards.films, float(wildcards.ratio)
        ).canonical_json(),
        code=code("characterize"),
    shell:
        "polysve characterize-films {output.stiffness} --start {wildcards.start} --stop {wildcards.stop}"
        " --settings {params.settings:q} > {log} 2>&1"
