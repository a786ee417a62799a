#!/bin/bash
grep -q hello "$1"
