using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Hosting;

/// <summary>The Redis that holds the cluster's membership and the grains' state. Section <c>Redis</c>.</summary>
/// <remarks>There is no way to run without one: state that is lost with the process would be certificates that nobody revokes.</remarks>
public sealed class RedisOptions
{
    public const string Section = "Redis";

    /// <summary>Where it listens, <c>host:port</c>; several for a replicated one. At least one.</summary>
    public List<string> Endpoints { get; set; } = [];

    /// <summary>The user, when Redis demands one; empty by default.</summary>
    public string User { get; set; } = "";

    /// <summary>The file that holds the password; empty, the default, for none.</summary>
    public string PasswordFile { get; set; } = "";

    /// <summary>Whether to use TLS. False by default. The server's certificate must be for the host in <see cref="Endpoints"/>.</summary>
    public bool Tls { get; set; }

    /// <summary>
    /// With <see cref="Tls"/>: path of the PEM file with the CAs that the server's certificate is verified by, read again at each
    /// connection; the machine's own when empty, the default.
    /// </summary>
    public string CaFile { get; set; } = "";

    /// <summary>With <see cref="Tls"/>: path of our client certificate (PEM), where the server demands one; empty by default.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>Path of the key (PEM) that goes with <see cref="CertificateFile"/>.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>The number of the database. 0 to 15; 0 by default.</summary>
    [Between(0, 15)]
    public int Database { get; set; }

    /// <summary>How long a command may take. 500 milliseconds to 1 minute; 5 seconds by default.</summary>
    [Between("00:00:00.5", "00:01:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for the client library; reads the password file.</summary>
    internal ConfigurationOptions ToClientOptions(string clientName)
    {
        var client = new ConfigurationOptions
        {
            // The first connection may fail without the object failing: it goes on trying, and RedisStart says so to the operator.
            AbortOnConnectFail = false,
            ClientName = clientName,
            DefaultDatabase = Database,
            Ssl = Tls,
            AsyncTimeout = (int)CommandTimeout.TotalMilliseconds,
            SyncTimeout = (int)CommandTimeout.TotalMilliseconds,
            User = User.Length > 0 ? User : null,
            Password = PasswordFile.Length > 0 ? File.ReadAllText(PasswordFile).Trim() : null,
        };
        Endpoints.ForEach(client.EndPoints.Add);
        if (Tls)
        {
            client.SslClientAuthenticationOptions = TlsTo;
        }

        return client;
    }

    // Asked for each connection, so that renewed files count from the next one on.
    private SslClientAuthenticationOptions TlsTo(string host)
    {
        var authorities = CaFile.Length > 0 ? PemCertificates.ReadFile(CaFile) : null;
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,

            // Of our own CAs there is nobody to ask; the policy says so too.
            CertificateRevocationCheckMode = authorities is null ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            CertificateChainPolicy = authorities is null ? null : PeerTrust.PolicyOf(authorities),
            ClientCertificateContext = CertificateFile.Length > 0 ? PemCertificates.ReadOwn(CertificateFile, KeyFile) : null,
            RemoteCertificateValidationCallback = (_, _, chain, errors) =>
                !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
                && PeerTrust.DoubtOrNull("Redis", chain, errors, authorities) is null,
        };
    }
}

[OptionsValidator]
internal sealed partial class RedisOptionsRanges : IValidateOptions<RedisOptions>;

internal sealed class RedisOptionsValidator(TimeProvider time) : IValidateOptions<RedisOptions>
{
    public ValidateOptionsResult Validate(string? name, RedisOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new RedisOptionsRanges().Validate(name, options));

        if (options.Endpoints.Count == 0)
        {
            faults.AddError("must name at least one host:port", nameof(options.Endpoints));
        }

        foreach (var (index, endpoint) in options.Endpoints.Index())
        {
            if (endpoint.LastIndexOf(':') is var colon && (colon < 1 || !ushort.TryParse(endpoint[(colon + 1)..], out _)))
            {
                faults.AddError($"must be host:port, is '{endpoint}'", $"{nameof(options.Endpoints)}:{index}");
            }
        }

        AddFileFaults(faults, options);
        return faults.Build();
    }

    private void AddFileFaults(ValidateOptionsResultBuilder faults, RedisOptions options)
    {
        foreach (var (key, file) in (IEnumerable<(string, string)>)[
            (nameof(options.PasswordFile), options.PasswordFile), (nameof(options.CaFile), options.CaFile),
            (nameof(options.CertificateFile), options.CertificateFile), (nameof(options.KeyFile), options.KeyFile)])
        {
            if (file.Length > 0 && !File.Exists(file))
            {
                faults.AddError($"names a file that does not exist: '{file}'", key);
            }

            if (file.Length > 0 && !options.Tls && key != nameof(options.PasswordFile))
            {
                faults.AddError("is for TLS, which Redis:Tls turns on", key);
            }
        }

        if (options.CertificateFile.Length > 0 != options.KeyFile.Length > 0)
        {
            faults.AddError("needs Redis:CertificateFile and Redis:KeyFile, both or none", nameof(options.CertificateFile));
        }

        if (PemCertificates.FaultOfFile(options.CaFile) is { } unreadable)
        {
            faults.AddError(unreadable, nameof(options.CaFile));
        }

        foreach (var fault in OwnCertificateCheck.Faults(
            options.CertificateFile, options.KeyFile, File.ReadAllText, OwnCertificateCheck.ClientAuthentication, time.GetUtcNow()))
        {
            faults.AddError(fault, nameof(options.CertificateFile));
        }
    }
}
