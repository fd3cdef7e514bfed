package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// driver puts a script in the place of nvidia-smi.
func driver(t *testing.T, script string) *gpuReader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvidia-smi")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	reader := newGpuReader(theChildren())
	reader.find = func() string { return path }
	reader.begin()
	return reader
}

// ask has the driver asked at once, whenever it was asked before.
func (g *gpuReader) askNow() {
	g.ask(g.find(), make(chan struct{}))
}

func TestTheDriversLinesAreReadStrictly(t *testing.T) {
	text := "1, [N/A], 10, 24564, 61, [Not Supported], NVIDIA GeForce RTX 4090, by \x1b[31mus\n" +
		"0, 97, 40000, 40960, 70, 250.75, NVIDIA A100-SXM4-40GB\r\n" +
		"0, 1, 1, 1, 1, 1, the same again\n" +
		"2, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], NVIDIA A100\n" +
		"3, 12\n" +
		"-1, 5, 5, 5, 5, 5, nobody\n" +
		"4, NaN, 1e99, -7, 1e9, Inf, odd\n" +
		"Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error\n"
	seen, use := gpusIn(text)
	if len(seen) != 3 || len(use) != 3 {
		t.Fatalf("%+v", seen)
	}
	if seen[0].Name != "NVIDIA A100-SXM4-40GB" || *seen[0].MemoryBytes != 40960<<20 || *use[0].BusyPercent != 97 ||
		*use[0].MemoryBytes != 40000<<20 || *use[0].PowerW != 250.75 {
		t.Errorf("%+v %+v", seen[0], use[0])
	}
	if seen[1].Name != "NVIDIA GeForce RTX 4090, by [31mus" || use[1].BusyPercent != nil || use[1].PowerW != nil ||
		*use[1].TemperatureC != 61 {
		t.Errorf("%+v %+v", seen[1], use[1])
	}
	if odd := use[2]; odd.BusyPercent != nil || odd.MemoryBytes != nil || odd.TemperatureC != nil || odd.PowerW != nil {
		t.Errorf("%+v", odd)
	}
}

func TestADriverThatLiesIsBounded(t *testing.T) {
	var lines strings.Builder
	for index := range 100 {
		fmt.Fprintf(&lines, "%d, 1, 1, 1, 1, 1, %s\n", index, strings.Repeat("x", 1000))
	}
	if seen, _ := gpusIn(lines.String()); len(seen) != maxGpus || len(seen[0].Name) != 80 {
		t.Errorf("%d GPUs", len(seen))
	}
	for name, script := range map[string]string{
		"floods":             "yes 0, 1, 1, 1, 1, 1, x",
		"hangs":              "echo 0, 1, 1, 1, 1, 1, x; exec sleep 600",
		"leaves one behind":  "echo 0, 1, 1, 1, 1, 1, x; (trap '' HUP TERM; sleep 600) & exit 0",
		"ignores all it can": "trap '' HUP TERM INT; echo 0, 1, 1, 1, 1, 1, x; sleep 600; sleep 600",
	} {
		reader := driver(t, script)
		reader.within = 300 * time.Millisecond
		reader.askNow()
		if len(reader.latest.seen) != 0 {
			t.Errorf("%s: it is believed", name)
		}
	}
}

func TestTheDriverIsAskedOnceAtATimeAndNotAgainAtOnce(t *testing.T) {
	counter := filepath.Join(t.TempDir(), "asked")
	reader := driver(t, "echo x >> "+counter+"; echo 0, 5, 1, 1, 1, 1, x")
	reader.next = time.Time{}
	done := make(chan gpuReading)
	for range 10 {
		go func() { done <- reader.fresh() }()
	}
	for range 10 {
		if read := <-done; len(read.seen) != 1 {
			t.Errorf("%+v", read)
		}
	}
	reader.fresh()
	if asked, _ := os.ReadFile(counter); string(asked) != "x\n" {
		t.Errorf("asked %d times", len(asked)/2)
	}
}

func TestAMachineWithoutADriverHasNoGpus(t *testing.T) {
	reader := newGpuReader(theChildren())
	reader.find = func() string { return "" }
	reader.begin()
	if read := reader.fresh(); len(read.seen) != 0 || reader.lost() != nil {
		t.Errorf("%+v", read)
	}
}

func TestAGpuThatIsNoLongerListedIsLostOnceItStaysAway(t *testing.T) {
	for name, script := range map[string]string{
		"it is listed no more":       "echo 0, 1, 1, 1, 1, 1, one",
		"it is listed as lost":       "echo 0, 1, 1, 1, 1, 1, one; echo 1, [GPU is lost], [GPU is lost], 1, 1, 1, two",
		"the driver stops before it": "echo 0, 1, 1, 1, 1, 1, one; echo 'Unable to determine the device handle for GPU1: 0000:02:00.0: GPU is lost.'; exit 15",
	} {
		reader := driver(t, "echo 0, 1, 1, 1, 1, 1, one; echo 1, 1, 1, 1, 1, 1, two")
		whole := reader.find
		reader.askNow()
		reader.find = driver(t, script).find
		reader.askNow()
		if reader.lost() != nil {
			t.Errorf("%s: after one look", name)
		}
		reader.lostSince = reader.lostSince.Add(-lostAfter)
		reader.askNow()
		if lost := reader.lost(); lost == nil || lost.Had != 2 || lost.Has != 1 || lost.SinceS < lostAfter.Seconds() {
			t.Errorf("%s: %+v", name, lost)
		}
		reader.find = driver(t, "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9").find
		reader.askNow()
		if reader.lost() == nil {
			t.Errorf("%s: a driver that fails says nothing about it", name)
		}
		reader.find = whole
		reader.askNow()
		if reader.lost() != nil {
			t.Errorf("%s: it is back", name)
		}
	}
}

func FuzzDriverLines(f *testing.F) {
	f.Add("0, 97, 40000, 40960, 70, 250.75, NVIDIA A100-SXM4-40GB\n")
	f.Add("0,,,,,,\n1, [N/A], ERR!, 1, 2, 3, a, b")
	f.Fuzz(func(t *testing.T, text string) {
		seen, use := gpusIn(text)
		if len(seen) != len(use) || len(seen) > maxGpus {
			t.Errorf("%d and %d", len(seen), len(use))
		}
		for at := range use {
			if seen[at].Index != use[at].Index || len(seen[at].Name) > 80 {
				t.Errorf("%+v %+v", seen[at], use[at])
			}
		}
	})
}
