using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>The layers in force: those that were read last without a fault. Looks at the files every few seconds.</summary>
internal sealed partial class NodeLayersReload
{
    private readonly ILayerFiles files;
    private readonly IOptions<ProvisioningOptions> options;
    private readonly ProvisioningMeter meter;
    private readonly ILogger<NodeLayersReload> logger;
    private volatile NodeLayers current = NodeLayers.None;
    private volatile IReadOnlyList<string> faults = [];
    private IReadOnlyList<LayerFile> seen = [];

    public NodeLayersReload(
        ILayerFiles files, IOptions<ProvisioningOptions> options, ProvisioningMeter meter, ILogger<NodeLayersReload> logger)
    {
        (this.files, this.options, this.meter, this.logger) = (files, options, meter, logger);

        // Before anything is enrolled: the first nodes are configured by them too.
        Reload();
    }

    public NodeLayers Current => current;

    /// <summary>What is wrong with the files as they are now: while anything is, what was read before them is in force.</summary>
    public IReadOnlyList<string> Faults => faults;

    /// <summary>Takes over what the files say now, unless something is wrong with it.</summary>
    public void Reload()
    {
        try
        {
            var now = files.Read(options.Value.LayersFolder);
            if (!now.SequenceEqual(seen))
            {
                seen = now;
                (var read, faults) = NodeLayers.Read(now);
                current = read ?? current;
                Tell();
            }
        }
        catch (IOException unreadable)
        {
            seen = [];
            if (!faults.SequenceEqual([unreadable.Message]))
            {
                faults = [unreadable.Message];
                Tell();
            }
        }
    }

    /// <summary>The values of those lines that are secrets, read anew.</summary>
    /// <exception cref="LayerException">One cannot be read; the message names its file.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ReadSecretsAsync(
        IReadOnlyDictionary<string, NodeLine> lines, CancellationToken cancellationToken)
    {
        var secrets = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, line) in lines.Where(line => line.Value.IsSecret))
        {
            try
            {
                secrets[key] = await files.ReadSecretAsync(line.Value, cancellationToken);
            }
            catch (IOException unreadable)
            {
                throw new LayerException($"{line.Origin}: '{key}': the secret cannot be read: {unreadable.Message}", unreadable);
            }
        }

        return secrets;
    }

    private void Tell()
    {
        meter.LayersRead(faults.Count > 0);
        if (faults.Count == 0)
        {
            LogRead();
        }
        else
        {
            LogFaulty(string.Join("; ", faults));
        }
    }

    [LoggerMessage(LogLevel.Information, "The layers of node configuration were read")]
    private partial void LogRead();

    [LoggerMessage(LogLevel.Error, "The layers of node configuration have faults, and those that were read before stay in force: {Faults}")]
    private partial void LogFaulty(string faults);
}

/// <summary>A silo does not start with layers that have faults.</summary>
internal sealed class NodeLayersCheck(ILayerFiles files) : IValidateOptions<ProvisioningOptions>
{
    public ValidateOptionsResult Validate(string? name, ProvisioningOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        try
        {
            foreach (var fault in NodeLayers.Read(files.Read(options.LayersFolder)).Faults)
            {
                faults.AddError(fault, nameof(options.LayersFolder));
            }
        }
        catch (IOException unreadable)
        {
            faults.AddError(unreadable.Message, nameof(options.LayersFolder));
        }

        return faults.Build();
    }
}
