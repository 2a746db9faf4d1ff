using Microsoft.Extensions.Options;

namespace ControlPlane.History;

/// <summary>Whether the silo writes down what it was asked to change. Section <c>History</c>.</summary>
/// <remarks>For tests of a fleet's history, see <c>tests/Chaos</c>: the file grows with every operation and is never shortened.</remarks>
public sealed class HistoryOptions
{
    public const string Section = "History";

    /// <summary>The file that every state-changing grain call is appended to, as JSON lines; none by default.</summary>
    public string? File { get; set; }
}

internal sealed class HistoryOptionsValidator : IValidateOptions<HistoryOptions>
{
    public ValidateOptionsResult Validate(string? name, HistoryOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.File is { } file && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file))))
        {
            faults.AddError($"the folder of '{file}' does not exist; make it", nameof(options.File));
        }

        return faults.Build();
    }
}
