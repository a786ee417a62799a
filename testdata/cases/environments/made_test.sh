#!/bin/bash
[ "$(cat made.txt)" = made ]
