using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Nats;

/// <summary>The rules of single properties are attributes; these are the rest. All faults at once.</summary>
[OptionsValidator]
internal sealed partial class JetStreamStreamOptionsRanges : IValidateOptions<JetStreamStreamOptions>;

internal sealed class JetStreamStreamOptionsValidator(string provider) : IValidateOptions<JetStreamStreamOptions>
{
    private const int SourcesMax = 64;

    public ValidateOptionsResult Validate(string? name, JetStreamStreamOptions options)
    {
        if (name != provider)
        {
            return ValidateOptionsResult.Skip;
        }

        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new JetStreamStreamOptionsRanges().Validate(name, options));
        if (string.IsNullOrWhiteSpace(options.Namespace))
        {
            faults.AddError("must name the namespace of the partition streams", nameof(options.Namespace));
        }

        if (options.Sources.Count > SourcesMax)
        {
            faults.AddError($"must be at most {SourcesMax}, are {options.Sources.Count}", nameof(options.Sources));
        }

        if (options.Sources.Count == 0 && options.Events is null)
        {
            faults.AddError("the provider has neither sources nor events of its own", nameof(options.Sources));
        }

        foreach (var twice in options.Sources.GroupBy(source => source.Name, StringComparer.Ordinal).Where(same => same.Count() > 1))
        {
            faults.AddError($"the name '{twice.Key}' is given {twice.Count()} times", nameof(options.Sources));
        }

        for (var index = 0; index < options.Sources.Count; index++)
        {
            Check(options.Sources[index], $"{nameof(options.Sources)}:{index}", faults);
        }

        return faults.Build();
    }

    private static void Check(JetStreamSourceOptions source, string path, ValidateOptionsResultBuilder faults)
    {
        if (string.IsNullOrWhiteSpace(source.Name) || source.Name.StartsWith(JetStreamEventsOptions.QueuePrefix, StringComparison.Ordinal))
        {
            faults.AddError($"must be given, and not begin with '{JetStreamEventsOptions.QueuePrefix}'", $"{path}:{nameof(source.Name)}");
        }

        if (!JetStreamSubject.IsName(source.JetStream))
        {
            faults.AddError(
                $"must be a JetStream stream's name, without blanks, '.', '*', '>' and slashes, is '{source.JetStream}'",
                $"{path}:{nameof(source.JetStream)}");
        }

        if (string.IsNullOrWhiteSpace(source.DecoderKey))
        {
            faults.AddError("must be the key of a registered IJetStreamDecoder", $"{path}:{nameof(source.DecoderKey)}");
        }

        if (!Enum.IsDefined(source.Start))
        {
            faults.AddError("must be Oldest or Now", $"{path}:{nameof(source.Start)}");
        }

        CheckSubjects(source.Subjects, $"{path}:{nameof(source.Subjects)}", faults);
        if (source.Create is { } create)
        {
            CheckCreation(create, $"{path}:{nameof(source.Create)}", faults);
        }
    }

    private static void CheckCreation(JetStreamCreation create, string path, ValidateOptionsResultBuilder faults)
    {
        CheckRanges(create, path, faults);
        if (create.Subjects.Count == 0)
        {
            faults.AddError("must hold at least one subject", $"{path}:{nameof(create.Subjects)}");
        }

        CheckSubjects(create.Subjects, $"{path}:{nameof(create.Subjects)}", faults);
        foreach (var subject in create.Subjects.Where(subject => subject is ['*' or '>' or '$', ..]))
        {
            faults.AddError(
                $"'{subject}' must begin with a word: nats-server 2.11.9 and later make no stream whose subjects overlap its own ($JS, $SYS)",
                $"{path}:{nameof(create.Subjects)}");
        }
    }

    private static void CheckRanges(object section, string path, ValidateOptionsResultBuilder faults)
    {
        var ranges = new List<ValidationResult>();
        Validator.TryValidateObject(section, new ValidationContext(section), ranges, validateAllProperties: true);
        faults.AddResults(ranges.Select(range => new ValidationResult($"{path}: {range.ErrorMessage}")));
    }

    private static void CheckSubjects(IList<string> subjects, string path, ValidateOptionsResultBuilder faults)
    {
        foreach (var subject in subjects.Where(subject => !JetStreamSubject.IsFilter(subject)))
        {
            faults.AddError($"'{subject}' is not a subject", path);
        }
    }
}
