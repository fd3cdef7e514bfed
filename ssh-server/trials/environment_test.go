package trials

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestNoVariableOfTheCustomersChangesTheServerAndHisProgramsHaveThemAll(t *testing.T) {
	// Whoever reads the time zone in it waits for ever.
	zone := filepath.Join(t.TempDir(), "zone")
	if err := syscall.Mkfifo(zone, 0o600); err != nil {
		t.Fatal(err)
	}
	given := []string{"GODEBUG=fips140=on,schedtrace=1000", "GOMEMLIMIT=1", "GOGC=1", "GOMAXPROCS=1", "GOTRACEBACK=crash", "TZ=" + zone}
	client := clientOf(t, start(t, given...))
	wanted := "fips140=on,schedtrace=1000\n1\n1\n1\ncrash\n" + zone + "\n"
	// The broker knows no other way to agree on a key.
	output, complaints, code := client.run("", "-o", "KexAlgorithms=curve25519-sha256", there,
		"printenv GODEBUG GOMEMLIMIT GOGC GOMAXPROCS GOTRACEBACK TZ; ! env | grep WORLDLAND_SSHD_")
	if code != 0 || output != wanted {
		t.Errorf("%d: %q, %s", code, output, complaints)
	}
}
