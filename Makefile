# Thin verbs; each is one call into .ci/. `make run` and `make test` set everything up by themselves.
.PHONY: bench-service soak fuzz fuzz-assignment run serve test check format proto reference image native bench bench-packing bench-mdrp bench-routing bench-assignment clean setup
run: ; @bash .ci/run-demo.sh
serve: ; @bash .ci/serve.sh
test: ; @bash .ci/test.sh
check: ; @bash .ci/check.sh
format: ; @bash .ci/format.sh
setup: ; @bash .ci/setup.sh dev
native: ; @bash .ci/native.sh
bench: ; @bash .ci/bench.sh
bench-packing: ; @bash .ci/bench-packing.sh
bench-mdrp: ; @bash .ci/bench-mdrp.sh
bench-assignment: ; @bash .ci/bench-assignment.sh
bench-service: ; @bash .ci/bench-service.sh
soak: ; @bash .ci/soak.sh
fuzz: ; @bash .ci/fuzz.sh $(THOUSANDS) $(SEED)
fuzz-assignment: ; @bash .ci/fuzz-assignment.sh $(THOUSANDS) $(SEED)
bench-routing: ; @bash .ci/bench-routing.sh
proto: ; @.venv/bin/python tools/gen_proto.py
reference: ; @.venv/bin/python tools/api_reference.py && .venv/bin/python tools/dashboard.py
image: ; @bash .ci/image.sh
clean: ; rm -rf build out .venv python/matcher/v1
