using Microsoft.Extensions.Logging;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>A silo that learns that the others do not want it ends its process, which here is that of the tests.</summary>
internal sealed partial class Survivor(ILogger log) : IFatalErrorHandler
{
    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender, string? context, Exception? exception) => LogEnding(context);

    [LoggerMessage(LogLevel.Error, "Would end the process: {Context}")]
    private partial void LogEnding(string? context);
}
