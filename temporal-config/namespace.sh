#!/bin/sh
# Makes the namespace of the broker's workflows, and waits until the server answers for it. The server is told by
# TEMPORAL_ADDRESS. The broker adds its search attributes by itself.
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}

until temporal operator cluster health; do sleep 1; done
# What ended stays to be looked at for a week.
temporal operator namespace describe --namespace "$namespace" ||
  temporal operator namespace create --namespace "$namespace" --retention 168h
# The server looks for new namespaces every some seconds, and knows nothing of them before.
until temporal operator search-attribute list --namespace "$namespace"; do sleep 1; done
