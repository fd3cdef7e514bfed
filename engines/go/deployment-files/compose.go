package main

import (
	"context"

	"github.com/compose-spec/compose-go/v2/cli"
)

// readCompose answers the project as `docker compose config` would: checked against the specification, variables put
// in, and consistent in what services say of each other, of volumes and of secrets.
func readCompose(file string) (any, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithDefaultProfiles())
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}
