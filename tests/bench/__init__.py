"""How fast Baraza is. Benchmarks are run by hand (`make bench`) and never judge a build."""
