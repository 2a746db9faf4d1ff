using System.Collections.Frozen;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Ddl;

/// <summary>DDLs by agent: the folder's, which may say more than ours; ours; and the registry's where it is to be asked.</summary>
internal sealed partial class AgentDdls : IAgentDdls
{
    private readonly FrozenDictionary<string, AgentDdl> builtIn = BuiltInDdls.Read();
    private readonly WatchedFiles<FolderDdls>? folder;
    private readonly RegistryDdls? registry;
    private readonly ILogger<AgentDdls> logger;

    public AgentDdls(
        IOptions<DdlOptions> options, IOptions<OverlaysOptions> overlays, INodeRpc rpc, TimeProvider time, ILogger<AgentDdls> logger)
    {
        this.logger = logger;
        folder = options.Value.Folder is { Length: > 0 } path ? new([path], () => Read(path), time, Tell) : null;
        registry = options.Value.UseRegistry ? new RegistryDdls(rpc, overlays.Value.Local, time, logger) : null;
    }

    public IReadOnlyList<string> Faults => folder?.Current?.Faults ?? [];

    public async Task<AgentDdl?> FindAsync(string agent, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(agent);
        if ((folder?.Current?.Ddls.GetValueOrDefault(agent) ?? builtIn.GetValueOrDefault(agent)) is { } known)
        {
            return known;
        }

        return registry is null ? null : await registry.FindAsync(agent, cancellationToken);
    }

    // Faults of one file are the folder's own: they keep no other from being taken over.
    private static FilesRead<FolderDdls> Read(string path)
    {
        var read = FolderDdls.Read(path);
        return new FilesRead<FolderDdls>(read, []) { Also = read.Files };
    }

    private void Tell(FilesRead<FolderDdls> read)
    {
        if (read.Content!.Faults.Count == 0)
        {
            LogRead(read.Content.Ddls.Count);
        }
        else
        {
            LogFaults(read.Content.Ddls.Count, string.Join("; ", read.Content.Faults));
        }
    }

    [LoggerMessage(LogLevel.Information, "Read {Count} DDLs of agents")]
    private partial void LogRead(int count);

    [LoggerMessage(LogLevel.Error, "Read {Count} DDLs of agents; others cannot be used: {Faults}")]
    private partial void LogFaults(int count, string faults);
}
