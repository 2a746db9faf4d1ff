using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlPlane.TestKit;

/// <summary>A real <c>cfssl serve</c> of our own on the loopback, with profiles good and bad.</summary>
public sealed class CfsslServer : IAsyncDisposable
{
    /// <summary>The profile that nodes' certificates are signed by.</summary>
    public const string NodeProfile = "node";

    /// <summary>The same, for who proves to have <see cref="AuthKeyFile"/>.</summary>
    public const string AuthenticatedProfile = "node-authenticated";

    /// <summary>A profile whose list of names nobody is on.</summary>
    public const string NobodyProfile = "nobody";

    /// <summary>A profile that makes CAs.</summary>
    public const string AuthorityProfile = "authority";

    /// <summary>A profile of certificates that have expired when they are made.</summary>
    public const string PastProfile = "past";

    /// <summary>A profile that equals <c>default</c>.</summary>
    public const string TwinProfile = "twin";

    /// <summary>Whom the server lets in with mutual TLS.</summary>
    public const string ClientName = "silo.example.net";

    private const string Installation = "sudo apt-get install -y golang-cfssl";
    private const string AuthKey = "6f1d0c52a9e34b7788c0d1e2f3a4b5c6";
    private const int StartsMax = 3;

    private static readonly Regex StoredCertificate = new("-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----");

    private readonly CfsslServerSettings _settings;
    private readonly string _folder = Directory.CreateTempSubdirectory("controlplane-cfssl-").FullName;
    private ChildProcess? _process;

    private CfsslServer(CfsslServerSettings settings)
    {
        _settings = settings;
        Authority = TestAuthority.Create(settings.Key);
        WriteFiles();
    }

    /// <summary>The port; stays the same over restarts.</summary>
    public int Port { get; private set; } = LoopbackPort.Free();

    public Uri Url => new($"{(_settings.MutualTls is null ? "http" : "https")}://127.0.0.1:{Port}");

    /// <summary>Who signs.</summary>
    public TestAuthority Authority { get; }

    /// <summary>Its certificate and the root's, PEM.</summary>
    public string ChainFile => Path.Combine(_folder, "chain.pem");

    /// <summary>The key of <see cref="AuthenticatedProfile"/>, hexadecimal.</summary>
    public string AuthKeyFile => Path.Combine(_folder, "auth.key");

    /// <summary>The last lines that it logged.</summary>
    public string Output => _process?.Output ?? "";

    private string DatabaseFile => Path.Combine(_folder, "certificates.db");

    /// <summary>Starts one and waits until it listens.</summary>
    public static async Task<CfsslServer> StartAsync(CfsslServerSettings settings, CancellationToken cancellationToken)
    {
        var started = new CfsslServer(settings);
        try
        {
            await started.StartAsync(StartsMax, cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once (SIGKILL); <see cref="RestartAsync"/> starts it again on the same port.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            await process.KillAsync();
            await process.DisposeAsync();
            _process = null;
        }
    }

    /// <summary>Starts it again with the same CA and database, after killing it if it runs.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await KillAsync();
        await StartAsync(startsMax: 1, cancellationToken);
    }

    /// <summary>Stops it from running while its connections stay open (SIGSTOP).</summary>
    public void Pause() => _process!.Signal(Signals.Stop);

    /// <summary>Lets it run again after <see cref="Pause"/>.</summary>
    public void Continue() => _process!.Signal(Signals.Continue);

    /// <summary>Every certificate in its database, DER; without one, none. Exact while it is idle.</summary>
    /// <remarks>
    /// Version 1.2.0 has no call that lists them. The file's pages are so large that each certificate lies in one piece, and copies
    /// that SQLite leaves behind are the same certificate.
    /// </remarks>
    public IReadOnlyList<byte[]> ReadIssued()
    {
        if (!_settings.Database)
        {
            return [];
        }

        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (Match block in StoredCertificate.Matches(Encoding.Latin1.GetString(File.ReadAllBytes(DatabaseFile))))
        {
            var der = Convert.FromBase64String(block.Groups[1].Value);
            found.TryAdd(Convert.ToHexString(SHA256.HashData(der)), der);
        }

        return [.. found.Values];
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(int startsMax, CancellationToken cancellationToken)
    {
        for (var starts = 1; ; starts++)
        {
            _process = ChildProcess.Start(Command(), Installation);
            await Readiness.UntilAsync(
                async token => _process.HasExited || await ListensAsync(token), $"cfssl on port {Port}", cancellationToken, () => Output);
            if (!_process.HasExited)
            {
                return;
            }

            var output = Output;
            await KillAsync();
            if (starts == startsMax || !output.Contains("address already in use", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"cfssl ended at start:\n{output}");
            }

            Port = LoopbackPort.Free();
        }
    }

    private async Task<bool> ListensAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private ProcessStartInfo Command()
    {
        string[] arguments =
        [
            "serve", "-address", "127.0.0.1", "-port", $"{Port}", "-loglevel", "1",
            "-ca", "ca.pem", "-ca-key", "ca.key", "-config", "config.json",
            .. _settings.Database ? (string[])["-db-config", "database.json"] : [],
            .. _settings.MutualTls is null ? [] : MutualTlsArguments(_settings.MutualTls),
        ];
        return new ProcessStartInfo(_settings.Program, arguments) { WorkingDirectory = _folder };
    }

    private static string[] MutualTlsArguments(TestPki pki)
    {
        var server = pki.ServerCertificate("cfssl");
        return
        [
            "-tls-cert", server.CertificatePath, "-tls-key", server.KeyPath,
            "-mutual-tls-ca", pki.AuthorityPath, "-mutual-tls-cn", $"^{ClientName.Replace(".", "\\.", StringComparison.Ordinal)}$",
        ];
    }

    private void WriteFiles()
    {
        File.WriteAllText(ChainFile, Authority.ChainPem);
        File.WriteAllText(Path.Combine(_folder, "ca.pem"), Authority.Certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "ca.key"), Authority.Key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(AuthKeyFile, AuthKey + "\n");
        File.WriteAllText(Path.Combine(_folder, "config.json"), Configuration);
        if (_settings.Database)
        {
            using var template = typeof(CfsslServer).Assembly.GetManifestResourceStream("ControlPlane.TestKit.Cfssl.certificates.db")!;
            using var database = File.Create(DatabaseFile);
            template.CopyTo(database);
            File.WriteAllText(
                Path.Combine(_folder, "database.json"), """{"driver":"sqlite3","data_source":"file:certificates.db?_busy_timeout=10000"}""");
        }
    }

    // 'default' is what cfssl takes for every name that it does not know: harmless, since nobody has its key.
    private const string Configuration = $$"""
        {
          "auth_keys": {
            "nobody": { "type": "standard", "key": "00112233445566778899aabbccddeeff" },
            "silo": { "type": "standard", "key": "{{AuthKey}}" }
          },
          "signing": {
            "default": { "usages": ["signing"], "expiry": "1h", "auth_key": "nobody" },
            "profiles": {
              "node": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "168h", "backdate": "5m"
              },
              "node-authenticated": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "168h", "backdate": "5m",
                "auth_key": "silo"
              },
              "nobody": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "168h", "name_whitelist": "^nobody$"
              },
              "authority": { "usages": ["cert sign", "signing"], "expiry": "168h", "ca_constraint": { "is_ca": true } },
              "past": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "2h", "backdate": "240h"
              },
              "twin": { "usages": ["signing"], "expiry": "1h" }
            }
          }
        }
        """;
}
