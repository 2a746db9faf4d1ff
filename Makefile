# Only names: what they do is in infra/. Arguments: make demo ARGS="--exit --nodes 2000 --protocol v2"
.PHONY: demo test bench soak

demo:
	@infra/demo.sh $(ARGS)

test:
	@infra/test.sh $(ARGS)

bench:
	@infra/bench.sh $(ARGS)

soak:
	@infra/soak.sh $(ARGS)
