"""The RPC methods of datasets, blobs, models, competitions and search, by service and name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import (
    competition_reads,
    competition_writes,
    dataset_reads,
    dataset_writes,
    model_reads,
    model_writes,
    search,
    uploads,
)
from .accounts import Account
from .replies import Reply
from .wire import ApiError, Fields
from .world import World

DATASETS = "datasets.DatasetApiService"
BLOBS = "blobs.BlobApiService"
MODELS = "models.ModelApiService"
COMPETITIONS = "competitions.CompetitionApiService"
SEARCH = "search.SearchApiService"


def _start_submission(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """StartSubmissionUpload: only for those who have accepted the rules."""
    if request.has("competitionName"):
        competition_reads.entered(world, caller, request)
    return uploads.upload_file(world, caller, request, "INBOX")


def _upload_model_file(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    return uploads.upload_file(world, caller, request, "MODEL")


def _signing_token(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateModelSigningToken: signing is not offered, which clients take to mean "unsigned"."""
    raise ApiError(404, "Model signing is not available")


HUB_METHODS: dict[str, Callable[[World, Account, Fields], Reply]] = {
    f"{BLOBS}/StartBlobUpload": uploads.start_blob_upload,
    f"{DATASETS}/CreateDataset": dataset_writes.create_dataset,
    f"{DATASETS}/CreateDatasetVersion": dataset_writes.create_version,
    f"{DATASETS}/CreateDatasetVersionById": dataset_writes.create_version,
    f"{DATASETS}/UpdateDatasetMetadata": dataset_writes.update_metadata,
    f"{DATASETS}/DeleteDataset": dataset_writes.delete_dataset,
    f"{DATASETS}/UploadDatasetFile": uploads.upload_file,
    f"{DATASETS}/GetDatasetStatus": dataset_reads.dataset_status,
    f"{DATASETS}/GetDataset": dataset_reads.get_dataset,
    f"{DATASETS}/ListDatasets": dataset_reads.list_datasets,
    f"{DATASETS}/ListDatasetFiles": dataset_reads.dataset_files,
    f"{DATASETS}/ListTreeDatasetFiles": dataset_reads.dataset_tree,
    f"{DATASETS}/GetDatasetFilesSummary": dataset_reads.dataset_summary,
    f"{DATASETS}/GetDatasetMetadata": dataset_reads.dataset_metadata,
    f"{DATASETS}/DownloadDataset": dataset_reads.download_dataset,
    f"{DATASETS}/DownloadDatasetRaw": dataset_reads.download_dataset,
    f"{MODELS}/CreateModel": model_writes.create_model,
    f"{MODELS}/UpdateModel": model_writes.update_model,
    f"{MODELS}/DeleteModel": model_writes.delete_model,
    f"{MODELS}/CreateModelInstance": model_writes.create_instance,
    f"{MODELS}/UpdateModelInstance": model_writes.update_instance,
    f"{MODELS}/DeleteModelInstance": model_writes.delete_instance,
    f"{MODELS}/CreateModelInstanceVersion": model_writes.create_version,
    f"{MODELS}/DeleteModelInstanceVersion": model_writes.delete_version,
    f"{MODELS}/UploadModelFile": _upload_model_file,
    f"{MODELS}/CreateModelSigningToken": _signing_token,
    f"{MODELS}/ListModels": model_reads.list_models,
    f"{MODELS}/GetModel": model_reads.get_model,
    f"{MODELS}/GetModelInstance": model_reads.get_instance,
    f"{MODELS}/ListModelInstances": model_reads.list_instances,
    f"{MODELS}/ListModelInstanceVersions": model_reads.list_versions,
    f"{MODELS}/ListModelInstanceVersionFiles": model_reads.version_files,
    f"{MODELS}/DownloadModelInstanceVersion": model_reads.download_version,
    f"{COMPETITIONS}/ListCompetitions": competition_reads.list_competitions,
    f"{COMPETITIONS}/GetCompetition": competition_reads.get_competition,
    f"{COMPETITIONS}/ListDataFiles": competition_reads.data_files,
    f"{COMPETITIONS}/ListDataTreeFiles": competition_reads.data_tree,
    f"{COMPETITIONS}/GetCompetitionDataFilesSummary": competition_reads.data_summary,
    f"{COMPETITIONS}/DownloadDataFile": competition_reads.download_file,
    f"{COMPETITIONS}/DownloadDataFiles": competition_reads.download_files,
    f"{COMPETITIONS}/ListSubmissions": competition_reads.list_submissions,
    f"{COMPETITIONS}/GetSubmission": competition_reads.get_submission,
    f"{COMPETITIONS}/DownloadSubmission": competition_reads.download_submission,
    f"{COMPETITIONS}/GetSubmissionLimits": competition_reads.submission_limits,
    f"{COMPETITIONS}/GetLeaderboard": competition_reads.leaderboard,
    f"{COMPETITIONS}/DownloadLeaderboard": competition_reads.download_leaderboard,
    f"{COMPETITIONS}/ListCompetitionPages": competition_reads.pages,
    f"{COMPETITIONS}/StartSubmissionUpload": _start_submission,
    f"{COMPETITIONS}/CreateSubmission": competition_writes.create_submission,
    f"{COMPETITIONS}/CreateCodeSubmission": competition_writes.create_code_submission,
    f"{SEARCH}/ListEntities": search.list_entities,
}

# What is public may be read without an account.
ANONYMOUS_METHODS = frozenset(
    f"{DATASETS}/{name}"
    for name in (
        "GetDatasetStatus", "GetDataset", "ListDatasets", "ListDatasetFiles", "ListTreeDatasetFiles",
        "GetDatasetFilesSummary", "GetDatasetMetadata", "DownloadDataset", "DownloadDatasetRaw",
    )
) | frozenset(
    f"{MODELS}/{name}"
    for name in (
        "GetModel", "GetModelInstance", "ListModelInstanceVersionFiles", "DownloadModelInstanceVersion",
    )
)  # fmt: skip
