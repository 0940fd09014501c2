"""IoU, accuracy and calibration against torchmetrics, an implementation by other people."""

import numpy as np
import pytest

from ovseg_ros.evaluation.metrics.tally import Tally

torch = pytest.importorskip("torch", reason="torchmetrics needs torch")
classification = pytest.importorskip(
    "torchmetrics.classification", reason="the independent implementation is torchmetrics"
)

NAMES = tuple("abcdefghijk")
SIZE = (90, 120)


def frames(seed, with_unlabelled):
    """Three frames in which most pixels are right and the last label never occurs."""
    random = np.random.default_rng(seed)
    # torchmetrics puts a byte on the edge between bins by the rounding of float32.
    bytes_inside_bins = np.setdiff1d(np.arange(256), np.arange(0, 256, 17))
    for _ in range(3):
        truth = random.integers(1, len(NAMES), SIZE)
        noise = random.integers(0 if with_unlabelled else 1, len(NAMES), SIZE)
        predicted = np.where(random.random(SIZE) < 0.7, truth, noise)
        truth[random.random(SIZE) < 0.1] = 255
        confidence = random.choice(bytes_inside_bins, SIZE)
        yield tuple(values.astype(np.uint8) for values in (truth, predicted, confidence))


def tensor(values):
    return torch.from_numpy(values.astype(np.int64))


@pytest.fixture
def double(monkeypatch):
    """torchmetrics divides in float32; here its own program runs in float64."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("with_unlabelled", [False, True])
def test_iou_and_accuracy_agree_to_1e_9(double, seed, with_unlabelled):
    options = {"num_classes": len(NAMES) + 1, "average": None, "ignore_index": 255}
    jaccard = classification.MulticlassJaccardIndex(**options)
    recall = classification.MulticlassAccuracy(**options)
    tally = Tally(NAMES)
    for truth, predicted, confidence in frames(seed, with_unlabelled):
        tally.add(truth, predicted, confidence)
        for metric in (jaccard, recall):
            metric.update(tensor(predicted)[None], tensor(truth)[None])
    summary = tally.summary()
    present = [i for i, name in enumerate(NAMES, start=1) if name not in summary.absent]
    assert summary.absent == NAMES[-1:]
    for i in present:
        assert summary.labels[i - 1].iou == pytest.approx(jaccard.compute()[i].item(), abs=1e-9)
        assert summary.labels[i - 1].accuracy == pytest.approx(recall.compute()[i].item(), abs=1e-9)
    assert summary.mean_iou == pytest.approx(jaccard.compute()[present].mean().item(), abs=1e-9)
    if not with_unlabelled:
        # Its own mean leaves out labels that are in neither; so "no label" and the absent one.
        macro = classification.MulticlassJaccardIndex(len(NAMES) + 1, ignore_index=255)
        for truth, predicted, _ in frames(seed, with_unlabelled):
            macro.update(tensor(predicted)[None], tensor(truth)[None])
        assert summary.mean_iou == pytest.approx(macro.compute().item(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_agrees(double, seed):
    tally = Tally(NAMES)
    error = classification.BinaryCalibrationError(n_bins=15, norm="l1")
    for truth, predicted, confidence in frames(seed, with_unlabelled=True):
        tally.add(truth, predicted, confidence)
        counted = (truth != 255) & (predicted != 0)
        # As a binary problem: how sure is it of being right, and is it right.
        sure = torch.from_numpy(confidence[counted] / 255.0)
        error.update(sure, tensor((truth == predicted)[counted]))
    assert tally.summary().ece == pytest.approx(error.compute().item(), abs=1e-9)
