//go:build wordpress

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wordPress is a blog on loopback: Debian's WordPress in a folder of its own,
// with a MariaDB of its own and PHP's own server. All of it ends with the test.
type wordPress struct {
	t        *testing.T
	dir      string // holds blog, the documents
	home     string // with a slash at the end
	post     string // the number of its first post
	password string // of the Editor "epistle"
	wording  string // beside the box
	mute     string // while this file is there, the hook's messages go nowhere
}

// startWordPress installs the blog, with our plugin, not yet connected.
func startWordPress(t *testing.T, listener net.Listener) *wordPress {
	t.Helper()
	dir, err := os.MkdirTemp("", "blog-") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &wordPress{t: t, dir: dir, home: "http://" + listener.Addr().String() + "/", mute: filepath.Join(dir, "mute")}
	socket := w.startMariaDB()
	w.documents(socket)
	w.startPHP(listener)
	w.install()
	return w
}

func (w *wordPress) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs a program to its end.
func (w *wordPress) run(stdin, name string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s (make test-wordpress installs it): %v\n%s", name, err, out)
	}
	return string(out)
}

// start runs a program until the test ends.
func (w *wordPress) start(cmd *exec.Cmd) *lockedBuffer {
	w.t.Helper()
	log := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, w.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // PHP's workers end with it
	w.must(cmd.Start())
	w.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("%s:\n%s", cmd.Path, log)
		}
	})
	return log
}

func (w *wordPress) startMariaDB() (socket string) {
	w.t.Helper()
	data := filepath.Join(w.dir, "db")
	socket = filepath.Join(w.dir, "sock")
	user := "--user=" + strings.TrimSpace(w.run("", "id", "-un"))
	w.run("", "mariadb-install-db", "--no-defaults", "--datadir="+data, user, "--auth-root-authentication-method=normal", "--skip-test-db")
	w.start(exec.Command("/usr/sbin/mariadbd", "--no-defaults", "--datadir="+data, user, "--socket="+socket, "--skip-networking",
		"--pid-file="+filepath.Join(w.dir, "db.pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"))
	w.until("MariaDB answers", func() bool {
		return exec.Command("mariadb-admin", "--no-defaults", "--socket="+socket, "-uroot", "ping").Run() == nil
	})
	w.run("CREATE DATABASE blog CHARACTER SET utf8mb4;", "mariadb", "--no-defaults", "--socket="+socket, "-uroot")
	return socket
}

// until waits for a condition.
func (w *wordPress) until(what string, done func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			w.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// plugin is the one in docs/wordpress.md, as people copy it.
func plugin(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/wordpress.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```php\n")
	code, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("docs/wordpress.md has no plugin")
	}
	return code
}

func (w *wordPress) documents(socket string) {
	w.t.Helper()
	blog := filepath.Join(w.dir, "blog")
	w.run("", "cp", "-rL", "/usr/share/wordpress", blog)
	write := func(path, text string) {
		w.must(os.MkdirAll(filepath.Dir(filepath.Join(blog, path)), 0o755))
		w.must(os.WriteFile(filepath.Join(blog, path), []byte(text), 0o644))
	}
	write("wp-config.php", fmt.Sprintf(`<?php
define( 'DB_NAME', 'blog' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:%s' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'AUTH_KEY', 'k1' ); define( 'SECURE_AUTH_KEY', 'k2' ); define( 'LOGGED_IN_KEY', 'k3' ); define( 'NONCE_KEY', 'k4' );
define( 'AUTH_SALT', 's1' ); define( 'SECURE_AUTH_SALT', 's2' ); define( 'LOGGED_IN_SALT', 's3' ); define( 'NONCE_SALT', 's4' );
define( 'WP_ENVIRONMENT_TYPE', 'local' ); // application passwords without https
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
file_exists( __DIR__ . '/lines.php' ) && require __DIR__ . '/lines.php';
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
`, socket))
	write("wp-content/mu-plugins/epistle.php", plugin(w.t))
	write("wp-content/mu-plugins/test.php", fmt.Sprintf(`<?php
add_filter( 'pre_wp_mail', '__return_true' );
add_filter( 'comment_flood_filter', '__return_false', 99 );
add_filter( 'pre_http_request', function ( $answer, $args, $url ) {
	return file_exists( '%s' ) && false !== strpos( $url, '/hooks/' ) ? new WP_Error( 'muted' ) : $answer;
}, 10, 3 );
`, w.mute))
	write("wp-content/themes/plain/style.css", "/*\nTheme Name: Plain\n*/\n")
	write("wp-content/themes/plain/index.php", `<!DOCTYPE html><html><head><?php wp_head(); ?></head><body>
<?php while ( have_posts() ) { the_post(); the_title(); the_content(); comment_form(); } wp_footer(); ?></body></html>`)
}

// connect puts the lines of the desk into the blog's wp-config.php.
func (w *wordPress) connect(lines string) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.dir, "blog", "lines.php"), []byte("<?php\n"+lines), 0o644))
}

// startPHP serves the documents with the test's listener's address.
func (w *wordPress) startPHP(listener net.Listener) {
	w.t.Helper()
	address := listener.Addr().String()
	w.must(listener.Close())
	cmd := exec.Command("php", "-d", "memory_limit=256M", "-S", address, "-t", filepath.Join(w.dir, "blog"))
	cmd.Env = append(os.Environ(), "PHP_CLI_SERVER_WORKERS=6") // WordPress calls itself
	w.start(cmd)
	w.until("PHP answers", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// install does what the installer's form does, and the administrator after it.
func (w *wordPress) install() {
	w.t.Helper()
	page := w.submit("wp-admin/install.php?step=2", url.Values{"weblog_title": {"Winter notes"}, "user_name": {"boss"}, "admin_password": {"a long quiet evening"},
		"admin_password2": {"a long quiet evening"}, "pw_weak": {"on"}, "admin_email": {"boss@blog.example"}, "blog_public": {"0"}, "language": {""}})
	if !strings.Contains(page, "Success") {
		w.t.Fatalf("WordPress was not installed:\n%s", page)
	}
	out := w.php(`
		switch_theme( 'plain' );
		update_option( 'permalink_structure', '/%postname%/' );
		flush_rewrite_rules();
		$id = wp_insert_user( array( 'user_login' => 'epistle', 'user_pass' => wp_generate_password(), 'user_email' => 'epistle@blog.example', 'role' => 'editor' ) );
		$made = WP_Application_Passwords::create_new_application_password( $id, array( 'name' => 'Epistle' ) );
		$post = wp_insert_post( array( 'post_title' => 'Winter & the river', 'post_content' => 'It is cold.', 'post_status' => 'publish', 'post_name' => 'winter' ) );
		echo 'password=', $made[0], ' post=', $post, ';';`)
	found := regexp.MustCompile(`password=(\S+) post=(\d+);`).FindStringSubmatch(out)
	if found == nil {
		w.t.Fatalf("the blog was not set up: %s", out)
	}
	w.password, w.post = found[1], found[2]
}

// php runs some PHP inside the blog, as an administrator's plugin would.
func (w *wordPress) php(code string) string {
	w.t.Helper()
	u, err := url.Parse(w.home)
	w.must(err)
	return w.run(fmt.Sprintf(`<?php $_SERVER['HTTP_HOST'] = '%s'; $_SERVER['REQUEST_URI'] = '/'; $_SERVER['SERVER_NAME'] = '127.0.0.1';
		require '%s/blog/wp-load.php'; %s`, u.Host, w.dir, code), "php")
}

// submit posts a form of the blog's and returns the page that comes.
func (w *wordPress) submit(path string, form url.Values) string {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	client := &http.Client{Jar: jar, Timeout: patience}
	response, err := client.PostForm(w.home+path, form)
	w.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	w.must(err)
	return string(body)
}

// comment posts a comment as a reader does, from the page's own form.
func (w *wordPress) comment(name, address, text string, ticked bool) {
	w.t.Helper()
	response, err := http.Get(w.home + "winter/")
	w.must(err)
	page, err := io.ReadAll(response.Body)
	w.must(errors.Join(err, response.Body.Close()))
	if !bytes.Contains(page, []byte(`<input type="checkbox" name="epistle_updates" value="yes"> `+html.EscapeString(w.wording))) {
		w.t.Fatalf("the form has no box that is not ticked:\n%s", page)
	}
	form := url.Values{"comment": {text}, "author": {name}, "email": {address}, "comment_post_ID": {w.post}, "comment_parent": {"0"}}
	if ticked {
		form.Set("epistle_updates", "yes")
	}
	w.submit("wp-comments-post.php", form)
}

// freePort is a listener that keeps a port until somebody else takes it.
func freePort(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// cleanly fails the test when what runs in the background fails.
func cleanly(t *testing.T, run func(ctx context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the daemon ended with %v", err)
		}
	})
}
