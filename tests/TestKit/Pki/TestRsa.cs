using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ControlPlane.TestKit;

/// <summary>RSA keys of 2048 bits, one for each purpose and run, since they are slow to make. Thread-safe.</summary>
public static class TestRsa
{
    private const int Bits = 2048;

    private static readonly ConcurrentDictionary<string, Lazy<string>> Made = new(StringComparer.Ordinal);

    /// <summary>The key of a purpose; whoever has it disposes it.</summary>
    public static RSA For(string purpose)
    {
        var key = RSA.Create();
        key.ImportFromPem(Made.GetOrAdd(purpose, _ => new Lazy<string>(Make)).Value);
        return key;
    }

    private static string Make()
    {
        using var key = RSA.Create(Bits);
        return key.ExportPkcs8PrivateKeyPem();
    }
}
