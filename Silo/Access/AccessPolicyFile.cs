using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Configuration;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The access policy of this site's file. Thread-safe.</summary>
internal sealed partial class AccessPolicyFile : IPolicySource
{
    private const int BytesMax = 1024 * 1024;

    private readonly WatchedFiles<PolicyText>? _file;
    private readonly ILogger<AccessPolicyFile> _logger;

    public AccessPolicyFile(
        IOptions<AccessPolicyOptions> options, Locality locality, TimeProvider time, ILogger<AccessPolicyFile> logger)
    {
        (_logger, Site, Region) = (logger, locality.Overlay, locality.Region);
        var path = options.Value.File;
        _file = path.Length == 0 ? null : new WatchedFiles<PolicyText>([path], () => Read(path), time, Tell);
    }

    public string Site { get; }

    public string Region { get; }

    public bool IsConfigured => _file is not null;

    public AccessPolicy? Current => _file?.Current?.Policy;

    /// <summary>The text of the policy in force; null without one.</summary>
    public string? Text => _file?.Current?.Text;

    public IReadOnlyList<string> Faults => _file?.Faults ?? [];

    /// <summary>Reads a policy file: what it holds, or all that is wrong with it, each with its place.</summary>
    public static FilesRead<PolicyText> Read(string path)
    {
        string text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > BytesMax })
            {
                return new(null, [$"the policy file '{path}' has more than {BytesMax} bytes"]);
            }

            text = File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new(null, [$"the policy file '{path}' cannot be read: {unreadable.Message}"]);
        }

        var (policy, faults) = AccessPolicyReader.Read(text);
        return new(
            policy is null ? null : new PolicyText(text, policy),
            [.. faults.Select(fault => $"{path}:{fault.Line}:{fault.Column}: {fault.Message}")]);
    }

    private void Tell(FilesRead<PolicyText> found)
    {
        if (found.Faults.Count > 0)
        {
            LogKept(string.Join("; ", found.Faults));
        }
        else if (found.Content!.Policy.IsDryRun)
        {
            LogTriedOut(found.Content.Policy.Version);
        }
        else
        {
            LogRead(found.Content.Policy.Version);
        }
    }

    [LoggerMessage(LogLevel.Information, "The access policy {Policy} is in force")]
    private partial void LogRead(string policy);

    [LoggerMessage(LogLevel.Warning, "The access policy {Policy} is tried out (mode: dry-run): what it denies is allowed, and told")]
    private partial void LogTriedOut(string policy);

    [LoggerMessage(LogLevel.Error, "The access policy has faults; the last good one stays in force: {Faults}")]
    private partial void LogKept(string faults);
}

/// <param name="Text">As it is written.</param>
/// <param name="Policy">As it decides.</param>
internal sealed record PolicyText(string Text, AccessPolicy Policy);
