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

    /// <summary>Whether to use TLS, verified by the machine's CAs. False by default.</summary>
    public bool Tls { get; set; }

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
        return client;
    }
}

[OptionsValidator]
internal sealed partial class RedisOptionsRanges : IValidateOptions<RedisOptions>;

internal sealed class RedisOptionsValidator : IValidateOptions<RedisOptions>
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

        if (options.PasswordFile.Length > 0 && !File.Exists(options.PasswordFile))
        {
            faults.AddError($"names a file that does not exist: '{options.PasswordFile}'", nameof(options.PasswordFile));
        }

        return faults.Build();
    }
}
