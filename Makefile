# Everything a developer types. The work is done by scripts/, which need Python 3.11 and nothing else.
#
#   make run                JupyterLab on examples/ (PORT=8899 for another port, NO_BROWSER=1 to print the URL only)
#   make run HEADLESS=1     the main job without a browser, on the emulator (KAGGLE=1: on Kaggle, uses quota)
#   make test               all tests; ONLY="python typescript browser" chooses
#   make lint format bench build screenshots clean

RUN := scripts/python
export HEADLESS KAGGLE NO_BROWSER PORT ONLY

.PHONY: help setup run test screenshots lint format bench build clean
.DEFAULT_GOAL := help

help:
	@sed -n '3,6s/^# \{0,1\}//p' Makefile

setup:
	@$(RUN) scripts/setup_env.py

run:
	@$(RUN) scripts/run_lab.py

test:
	@$(RUN) scripts/run_tests.py

screenshots:
	@SCREENSHOTS=1 ONLY=browser $(RUN) scripts/run_tests.py screenshots-

lint:
	@$(RUN) scripts/lint.py

format:
	@$(RUN) scripts/lint.py --fix

bench:
	@$(RUN) scripts/run_bench.py $(ARGS)

build:
	@$(RUN) scripts/build_wheel.py

clean:
	@$(RUN) scripts/clean.py
