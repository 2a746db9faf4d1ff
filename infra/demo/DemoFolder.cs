using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>Where a demo keeps what it makes: <c>.data/demo</c>, made anew by each run and left for reading afterwards.</summary>
internal sealed class DemoFolder : IDisposable
{
    private readonly FileStream _lock;

    private DemoFolder(string path, string keys, FileStream held)
    {
        Path = path;
        Keys = keys;
        _lock = held;
    }

    public string Path { get; }

    /// <summary>Where RSA keys for nodes are kept from run to run: making 500 takes longer than enrolling them.</summary>
    public string Keys { get; }

    public string Report => System.IO.Path.Combine(Path, "nodes.jsonl");

    public string LogOf(string name) => System.IO.Path.Combine(Path, $"{name}.log");

    /// <exception cref="InvalidOperationException">Another demo of this working tree runs.</exception>
    public static DemoFolder Take()
    {
        var root = Directory.CreateDirectory(System.IO.Path.Combine(RepositoryRoot.Path, ".data")).FullName;
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(root, "demo.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new InvalidOperationException("another demo of this working tree runs", taken);
        }

        var path = System.IO.Path.Combine(root, "demo");
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new DemoFolder(path, System.IO.Path.Combine(root, "keys"), held);
    }

    public void Dispose() => _lock.Dispose();
}
