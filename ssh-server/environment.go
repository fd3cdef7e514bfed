package main

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The variables of the container are its customer's, and what he says by them is meant for his programs. These are what
// the runtime of Go itself obeys, before any line of this program: with GODEBUG=fips140=on, for one, no key could be agreed
// on with the broker.
var runtimeVariables = []string{"GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR"}

// asidePrefix is put before their names while this program runs; customers cannot set variables of such a name.
const asidePrefix = "WORLDLAND_SSHD_"

// ownWay has this program run as its broker means it, whatever variables and files the image and the order have. It starts
// the program anew, once, if the runtime has obeyed some of them.
func ownWay() error {
	// Otherwise the first line of the log reads what TZ or /etc/localtime lead to, which may be a device that never answers.
	time.Local = time.UTC
	variables, some := putAside(os.Environ())
	if !some {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, variables)
}

// putAside renames what the runtime would obey, and answers whether there was any.
func putAside(variables []string) (others []string, some bool) {
	for _, variable := range variables {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case slices.Contains(runtimeVariables, name):
			others, some = append(others, asidePrefix+variable), true
		case !isAside(name):
			others = append(others, variable)
		}
	}
	return others, some
}

// containerVariables are those that the container was given, for every program that is started in it.
func containerVariables() []string {
	variables := os.Environ()
	for at, variable := range variables {
		if name, _, _ := strings.Cut(variable, "="); isAside(name) {
			variables[at] = strings.TrimPrefix(variable, asidePrefix)
		}
	}
	return variables
}

func isAside(name string) bool {
	meant, hasPrefix := strings.CutPrefix(name, asidePrefix)
	return hasPrefix && slices.Contains(runtimeVariables, meant)
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment puts variables in layers, a later one above the earlier. The lowest is the container's own, so that what
// the image and the order say (PATH and LD_LIBRARY_PATH of CUDA, the customer's variables) is there in a session too.
func environment(layers ...[]string) []string {
	place := map[string]int{}
	var result []string
	for _, layer := range layers {
		for _, variable := range layer {
			name, _, isVariable := strings.Cut(variable, "=")
			if !isVariable {
				continue
			}
			if at, there := place[name]; there {
				result[at] = variable
				continue
			}
			place[name] = len(result)
			result = append(result, variable)
		}
	}
	if _, there := place["PATH"]; !there {
		result = append(result, "PATH="+defaultPath)
	}
	return result
}
