#!/bin/sh
# Makes the namespaces of the broker's workflows, and waits until the server answers for them. The server is told by
# TEMPORAL_ADDRESS. The broker adds its search attributes by itself.
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}
upkeep=${TEMPORAL_UPKEEP_NAMESPACE:-$namespace-upkeep}

until temporal operator cluster health; do sleep 1; done
make() {
  temporal operator namespace describe --namespace "$1" ||
    temporal operator namespace create --namespace "$1" --retention "$2"
  # The server looks for new namespaces every some seconds, and knows nothing of them before.
  until temporal operator search-attribute list --namespace "$1"; do sleep 1; done
}

# What ended stays to be looked at for a week; of what runs every few seconds, for a day.
make "$namespace" 168h
make "$upkeep" 24h
