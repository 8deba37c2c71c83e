"""Tests of the PMML converter."""
