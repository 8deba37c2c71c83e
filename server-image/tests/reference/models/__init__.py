"""The models of the tests: exported here, or published in packages."""
