package main

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The engines of all pods: each pod has an address of its own in 127.0.0.0/8, and one listener hears them all. An answer
// says that a stream follows, at a position that moves on.
type engines struct {
	polls   atomic.Int64
	mutex   sync.Mutex
	callers map[string]bool // addresses that were polled
}

func serveEngines() (*engines, error) {
	e := &engines{callers: map[string]bool{}}
	listener, err := net.Listen("tcp4", "0.0.0.0:8080")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, e) }()
	return e, nil
}

func addressOfPod(number int) string {
	return fmt.Sprintf("127.%d.%d.%d", 1+number/62500, number/250%250, 1+number%250)
}

func (e *engines) polled() int {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return len(e.callers)
}

func (e *engines) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	polls := e.polls.Add(1)
	if local, ok := request.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		e.mutex.Lock()
		e.callers[local.String()] = true
		e.mutex.Unlock()
	}
	if request.URL.Path != "/status" {
		http.NotFound(answer, request)
		return
	}
	now := time.Now().UTC().Format(time.RFC3339)
	answer.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(answer, `{"version":1,"replication":"","phase":"Following","message":"","percent":0,"started":"%s","updated":"%s",`+
		`"databases":[{"name":"shop","tablesTotal":40,"tablesDone":40,"rowsCopied":0,"bytesCopied":0,"bytesTotal":0,"active":[],`+
		`"stream":{"state":"Following","lagBytes":120,"lagSeconds":0,"received":"1/%X","applied":"1/%X","lastTransaction":"%s",`+
		`"transactions":%d,"changes":%d,"error":"","slot":"tributary_shop_0123456789ab","retainedBytes":%d,`+
		`"aside":{"stopped":0,"recopy":0,"notStreamed":0,"recopySeconds":0,"tables":[]}}}],"checks":"Passed"}`,
		now, now, polls*256, polls*256, now, polls, 4*polls, 16<<20+polls)
}
