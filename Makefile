# Everything runs in a virtual environment that `build` makes; nothing else has to be installed.
#
#   make build         the environment with ROS 2 wheels, and the generated interfaces
#   make demo          the node on a recorded drive: camera, operator and recorder, four processes
#   make test          all tests; those that need torch or OpenVINO are skipped before `make build-torch`
#   make build-torch   adds what training, export, OpenVINO and TensorRT need
#   make lint          style and types
#   make bench         measures speed on this machine and writes docs/benchmarks
#   make soak          an hour of faults and killed processes; SOAK_MINUTES says how long
#   make accuracy      mIoU on labelled data, see DATA, and on simulated scenes
#   make train-tiny    trains the embedded model again, into build/package; see DATA and WEIGHTS
#   make test-colcon   colcon build and colcon test, on a copy of the source
#   make test-pip      pip install into a fresh environment, on a copy of the source
#   make clean         removes the environments and what was generated, not what was trained

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet

# Stamps say what is in the environment already, so that a second call costs nothing.
ENVIRONMENT := $(VENV)/.stamp-environment
PACKAGE := $(VENV)/.stamp-package
TORCH := $(VENV)/.stamp-torch
COLCON := .venv-colcon/.stamp-colcon
TORCH_LISTS := train.txt calibrate.txt tensorrt.txt modelopt.txt torchmetrics.txt fleet.txt

# What train-tiny starts from: folders with camvid/ and idd_lite/, and with the initial weights.
DATA ?= ../shared/data
WEIGHTS ?= ../shared/weights
REPORTS := docs/benchmarks
SOAK_MINUTES ?= 60

INTERFACE_SOURCES := $(wildcard msg/*.msg srv/*.srv cmake/*.cmake) CMakeLists.txt package.xml \
	pyproject.toml setup.py tools/ros_cmake.py

.PHONY: build build-torch demo test lint bench soak accuracy train-tiny test-colcon test-pip clean
.DELETE_ON_ERROR:

build: $(PACKAGE)

build-torch: $(TORCH)

demo: build
	$(BIN)/ovseg demo

# Two workers; threads beside theirs would only wait for each other on a small machine.
test: build
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: build
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: build
	$(BIN)/ovseg bench labels
	$(BIN)/ovseg bench node
	$(BIN)/ovseg bench query

soak: build
	$(BIN)/ovseg bench soak --minutes $(SOAK_MINUTES)

accuracy: build-torch
	$(BIN)/ovseg eval $(DATA)/camvid --split val --domain day --out $(REPORTS)/camvid_day.json
	$(BIN)/ovseg eval $(DATA)/camvid --domain dusk --out $(REPORTS)/camvid_dusk.json
	$(BIN)/ovseg eval $(DATA)/camvid --split val --domain day \
		--names ovseg_train/names/concepts.yaml --out $(REPORTS)/camvid_synonyms.json
	$(BIN)/ovseg-train world render --out build/world
	$(BIN)/ovseg eval build/world --split val --out $(REPORTS)/simulated_val.json
	$(BIN)/ovseg eval engines/demo/drive --out $(REPORTS)/simulated_drive.json

# Every stage goes on where it was interrupted.
train-tiny: build-torch
	$(BIN)/ovseg-train world render --out build/world
	$(BIN)/ovseg-train text train --out build/text \
		--clip-names $(WEIGHTS)/clip_text_embeddings/clip_vitb32_text_names.npz
	mkdir -p build/package
	cp build/text/text.onnx build/text/tokenizer.json build/text/names.json build/package
	$(BIN)/ovseg-train tiny train --data $(DATA) build --package build/package --out build/tiny \
		--imagenet $(WEIGHTS)/mobilenet_v2_imagenet/mobilenet_v2_1.0_folded_fp16.pt
	$(BIN)/ovseg-train tiny export --data $(DATA) build --package build/package --out build/tiny

test-colcon: build $(COLCON)
	$(BIN)/python tools/check_install.py colcon .venv-colcon/bin/colcon

test-pip: build
	$(BIN)/python tools/check_install.py pip

clean:
	rm -rf $(VENV) .venv-colcon ovseg_ros.egg-info build/bdist.* build/lib* build/temp.*
	rm -rf ovseg_ros/msg ovseg_ros/srv ovseg_ros/_lib ovseg_ros/*.so

$(ENVIRONMENT): requirements/ros-kilted.txt requirements/dev.txt
	@echo "Installing ROS 2 and the tools into $(VENV) ..."
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) $(addprefix -r ,$^)
	touch $@

$(PACKAGE): $(ENVIRONMENT) $(INTERFACE_SOURCES)
	@echo "Generating the ROS interfaces ..."
	PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --editable '.[ros,cpu,eval,console]'
	touch $@

$(TORCH): $(PACKAGE) $(addprefix requirements/,$(TORCH_LISTS)) \
	requirements/open-clip.txt tools/tensorrt_bindings.py
	@echo "Installing torch, the training tools, OpenVINO and TensorRT into $(VENV) ..."
	$(PIP) $(addprefix -r requirements/,$(TORCH_LISTS))
	$(PIP) --no-deps -r requirements/open-clip.txt
	-$(BIN)/python tools/tensorrt_bindings.py build/tensorrt-bindings
	touch $@

$(COLCON): requirements/colcon.txt
	test -x .venv-colcon/bin/pip || $(PYTHON) -m venv .venv-colcon
	.venv-colcon/bin/pip install --quiet -r $<
	touch $@
