// A server on Go's net/http. With `graceful` it ends as it should on SIGTERM.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello, World!")
	})
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT")}
	if len(os.Args) < 2 || os.Args[1] != "graceful" {
		log.Fatal(server.ListenAndServe())
	}
	go server.ListenAndServe()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	server.Shutdown(context.Background())
}
