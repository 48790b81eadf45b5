"""The REST binding of datasets, models, competitions and blobs."""

from __future__ import annotations

from .http_api import RestHandler
from .hub_methods import BLOBS, COMPETITIONS, DATASETS, MODELS

_PAIR = r"(?P<ownerSlug>[^/]+)/(?P<datasetSlug>[^/]+)"
_MODEL = r"(?P<ownerSlug>[^/]+)/(?P<modelSlug>[^/]+)"
_INSTANCE = rf"{_MODEL}/(?P<framework>[^/]+)/(?P<instanceSlug>[^/]+)"
_VERSION = rf"{_INSTANCE}/(?P<versionNumber>\d+)"
_NAME = r"(?P<competitionName>[^/]+)"
_UPLOAD = r"upload/file/(?P<contentLength>\d+)/(?P<lastModifiedEpochSeconds>\d+)"


class DatasetsRest(RestHandler):
    """`/v1/datasets/…`"""

    SERVICE = DATASETS
    BODIES = {  # noqa: RUF012
        "CreateDatasetVersion": "body",
        "CreateDatasetVersionById": "body",
        "UpdateDatasetMetadata": "settings",
    }
    ROUTES = (
        ("GET", r"list", "ListDatasets"),
        ("GET", rf"list/{_PAIR}", "ListDatasetFiles"),
        ("GET", rf"list-tree/{_PAIR}", "ListTreeDatasetFiles"),
        ("GET", rf"view/{_PAIR}", "GetDataset"),
        ("GET", rf"status/{_PAIR}", "GetDatasetStatus"),
        ("GET", rf"files/summary/{_PAIR}", "GetDatasetFilesSummary"),
        ("GET", rf"metadata/{_PAIR}", "GetDatasetMetadata"),
        ("POST", rf"metadata/{_PAIR}", "UpdateDatasetMetadata"),
        ("GET", rf"download/{_PAIR}(/(?P<fileName>.+))?", "DownloadDataset"),
        ("GET", rf"download-raw/{_PAIR}(/(?P<fileName>.+))?", "DownloadDatasetRaw"),
        ("POST", r"create/new", "CreateDataset"),
        ("POST", r"create/version/(?P<id>\d+)", "CreateDatasetVersionById"),
        ("POST", rf"create/version/{_PAIR}", "CreateDatasetVersion"),
        ("POST", _UPLOAD, "UploadDatasetFile"),
    )


class DatasetRest(RestHandler):
    """`/v1/dataset/…`"""

    SERVICE = DATASETS
    ROUTES = (("POST", rf"{_PAIR}/delete", "DeleteDataset"),)


class ModelsRest(RestHandler):
    """`/v1/models/…`"""

    SERVICE = MODELS
    BODIES = {"CreateModelInstance": "body", "CreateModelInstanceVersion": "body"}  # noqa: RUF012
    ROUTES = (
        ("GET", r"list", "ListModels"),
        ("POST", r"create/new", "CreateModel"),
        ("POST", _UPLOAD, "UploadModelFile"),
        ("GET", rf"{_MODEL}/get", "GetModel"),
        ("GET", rf"{_MODEL}/list", "ListModelInstances"),
        ("POST", rf"{_MODEL}/update", "UpdateModel"),
        ("POST", rf"{_MODEL}/delete", "DeleteModel"),
        ("POST", rf"{_MODEL}/create/instance", "CreateModelInstance"),
        ("GET", rf"{_INSTANCE}/get", "GetModelInstance"),
        ("GET", rf"{_INSTANCE}/list", "ListModelInstanceVersions"),
        ("POST", rf"{_INSTANCE}/update", "UpdateModelInstance"),
        ("POST", rf"{_INSTANCE}/delete", "DeleteModelInstance"),
        ("POST", rf"{_INSTANCE}/create/version", "CreateModelInstanceVersion"),
        ("GET", rf"{_VERSION}/files", "ListModelInstanceVersionFiles"),
        ("GET", rf"{_VERSION}/download(/(?P<path>.+))?", "DownloadModelInstanceVersion"),
        ("POST", rf"{_VERSION}/delete", "DeleteModelInstanceVersion"),
    )


class CompetitionsRest(RestHandler):
    """`/v1/competitions/…`"""

    SERVICE = COMPETITIONS
    ROUTES = (
        ("GET", r"list", "ListCompetitions"),
        ("GET", rf"get/{_NAME}", "GetCompetition"),
        ("GET", rf"data/list/{_NAME}", "ListDataFiles"),
        ("GET", rf"data/summary/{_NAME}", "GetCompetitionDataFilesSummary"),
        ("GET", rf"data/download/{_NAME}/(?P<fileName>.+)", "DownloadDataFile"),
        ("GET", rf"data/download-all/{_NAME}", "DownloadDataFiles"),
        ("GET", rf"{_NAME}/data-tree/list/?", "ListDataTreeFiles"),
        ("GET", rf"{_NAME}/leaderboard/view", "GetLeaderboard"),
        ("GET", rf"{_NAME}/leaderboard/download", "DownloadLeaderboard"),
        ("GET", rf"{_NAME}/submissions/limits", "GetSubmissionLimits"),
        ("GET", rf"{_NAME}/pages", "ListCompetitionPages"),
        ("GET", rf"submissions/list/{_NAME}", "ListSubmissions"),
        ("GET", r"submissions/download/(?P<submissionId>\d+)", "DownloadSubmission"),
        ("POST", r"submissions/get/(?P<ref>\d+)", "GetSubmission"),
        ("POST", rf"submissions/submit/{_NAME}", "CreateSubmission"),
        ("POST", rf"submissions/submit-notebook/{_NAME}", "CreateCodeSubmission"),
        ("POST", r"submission-url", "StartSubmissionUpload"),
    )


class BlobsRest(RestHandler):
    """`/v1/blobs/…`"""

    SERVICE = BLOBS
    ROUTES = (("POST", r"upload", "StartBlobUpload"),)
