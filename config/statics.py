"""How static files are collected: a digest in each name, also in what scripts import, and gzip beside each."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class CollectedStatics(CompressedManifestStaticFilesStorage):
    """Names with digests in module imports as well, so that a page never mixes scripts of two deployments."""

    support_js_module_import_aggregation = True
