rule device:
    """Draw beams of one kind: how they scatter, where that comes from, how many fail.

    Wildcards: device.
    """
    input:
        asked=remake(paths.device("device.provenance.json"), asked.device),
        # files of measured orientations, where its texture samples them
        samples=lambda wildcards: STUDY.devices[wildcards.device].sample_files,
    output:
        beams=paths.device("beams.json"),
        figures=directory(paths.device("figures")),
        provenance=paths.device("device.provenance.json"),
    log:
        paths.log("device", "{device}"),
    benchmark:
        paths.benchmark("device", "{device}")
    conda:
        "../../envs/environment.yaml"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=lambda wildcards, attempt: attempt * 60,
    params:
        folder=lambda wildcards: paths.device("", wildcards.device),
        settings=lambda wildcards: STUDY.device_slice(wildcards.device).canonical_json(),
        code=code("device"),
    shell:
        "polysve device {params.folder} --workers {threads} --settings {params.settings:q} > {log} 2>&1"
