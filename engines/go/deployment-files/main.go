// Program deployment-files reads docker-compose.yml and the Dockerfile with the libraries that Docker itself reads them
// with, and prints as JSON what they say. The tests check them by it where there is no Docker.
//
//	deployment-files compose FILE            variables are those of the environment
//	deployment-files dockerfile FILE FOLDER  what it copies is looked for in the folder, without what .dockerignore names
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	read, err := command(os.Args[1:])
	if err != nil {
		fail(err)
	}
	found, err := read()
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func command(args []string) (func() (any, error), error) {
	switch {
	case len(args) == 2 && args[0] == "compose":
		return func() (any, error) { return readCompose(args[1]) }, nil
	case len(args) == 3 && args[0] == "dockerfile":
		return func() (any, error) { return readDockerfile(args[1], args[2]) }, nil
	}
	return nil, fmt.Errorf("usage: deployment-files compose FILE | dockerfile FILE FOLDER")
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
