package trials

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An image that has no scp: its PATH leads to an empty folder, its shell is where shells are.
func withoutScp(t *testing.T) string {
	return "PATH=" + t.TempDir()
}

func (o *openssh) scp(args ...string) (stderr string, code int) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "scp", append(append([]string{"-O", "-q", "-P", o.port}, o.options...), args...)...)
	_, stderr, code = outcome(o.t, command, "")
	return stderr, code
}

func TestTheOldScpCopiesBothWaysWithAndWithoutAnScpInTheImage(t *testing.T) {
	needs(t, "scp")
	for name, env := range map[string]string{"built in": withoutScp(t), "of the image": "PATH=" + os.Getenv("PATH")} {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, start(t, env))
			from, to, back := t.TempDir(), t.TempDir(), t.TempDir()
			long := bytes.Repeat([]byte("0123456789\n\x00\x01\x02"), 200_000)
			for path, text := range map[string][]byte{"long": long, "empty": nil, "a name with 'quotes' and $x": []byte("x"), "deep/er/file": []byte("deep")} {
				os.MkdirAll(filepath.Dir(filepath.Join(from, path)), 0o755)
				if err := os.WriteFile(filepath.Join(from, path), text, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			os.Chmod(filepath.Join(from, "deep"), 0o750)
			year := time.Unix(1_500_000_000, 0)
			os.Chtimes(filepath.Join(from, "long"), year, year)
			for _, step := range [][]string{
				{"-r", "-p", from, there + ":" + to},
				{"-r", "-p", there + ":" + filepath.Join(to, filepath.Base(from)), back},
				// A pattern, which the shell over there expands, and several names in one folder.
				{there + ":" + from + "/e*", there + ":" + from + "/l*", back},
				{filepath.Join(from, "empty"), filepath.Join(from, "long"), there + ":" + to + "/"},
			} {
				if stderr, code := client.scp(step...); code != 0 {
					t.Fatalf("%v: %d, %s", step, code, stderr)
				}
			}
			if output, err := exec.Command("diff", "-r", from, filepath.Join(back, filepath.Base(from))).CombinedOutput(); err != nil {
				t.Errorf("%s", output)
			}
			for _, folder := range []string{to, back} {
				if text, err := os.ReadFile(filepath.Join(folder, "long")); err != nil || !bytes.Equal(text, long) {
					t.Errorf("%d bytes, %v", len(text), err)
				}
			}
			info, err := os.Stat(filepath.Join(to, filepath.Base(from), "long"))
			if err != nil || info.Mode().Perm() != 0o640 || !info.ModTime().Equal(year) {
				t.Errorf("%v, %v", info, err)
			}
			if info, err := os.Stat(filepath.Join(to, filepath.Base(from), "deep")); err != nil || info.Mode().Perm() != 0o750 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

func TestTheBuiltInScpSaysWhatItCannotCopy(t *testing.T) {
	needs(t, "scp")
	client := clientOf(t, start(t, withoutScp(t)))
	folder := t.TempDir()
	file := write(t, folder, "file", []byte("text"))
	for _, one := range []struct {
		args   []string
		wanted string
	}{
		{[]string{there + ":" + folder + "/nothing", folder}, "no such file"},
		{[]string{there + ":" + folder, t.TempDir()}, "copy it with -r"},
		{[]string{file, there + ":" + folder + "/no/folder"}, "no such file or directory"},
		{[]string{file, file, there + ":" + file}, "not a directory"},
	} {
		if stderr, code := client.scp(one.args...); code == 0 || !strings.Contains(stderr, one.wanted) {
			t.Errorf("%v: %d, %q", one.args, code, stderr)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "text" {
		t.Errorf("%q", text)
	}
}
