using Microsoft.Extensions.Options;

namespace ControlPlane;

/// <summary>What validators of options say by hand, besides the rules that are attributes.</summary>
public static class OptionFaults
{
    public static void Require(this ValidateOptionsResultBuilder faults, bool holds, string property, string rule)
    {
        if (!holds)
        {
            faults.AddError(rule, property);
        }
    }

    /// <summary>A file is looked for, not read: what is in it is checked by who uses it.</summary>
    public static void RequireFile(this ValidateOptionsResultBuilder faults, string? file, string property, bool needed)
    {
        faults.Require(!needed || !string.IsNullOrEmpty(file), property, "is needed; give the path of a file");
        faults.Require(
            string.IsNullOrEmpty(file) || File.Exists(file), property, $"there is no file '{file}', or it may not be read");
    }

    /// <summary>
    /// Whether an address is <c>https://</c>, or <c>http://</c> on the loopback: nobody on the way reads or changes what is said.
    /// </summary>
    public static bool IsSafeUrl(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var read)
        && (read.Scheme == Uri.UriSchemeHttps || (read.Scheme == Uri.UriSchemeHttp && read.IsLoopback));

    /// <summary>Demands what <see cref="IsSafeUrl"/> says.</summary>
    public static void RequireSafeUrl(this ValidateOptionsResultBuilder faults, string? url, string property) =>
        faults.Require(IsSafeUrl(url), property, $"must be https://, or http:// on the loopback, is '{url}'");

    /// <summary>Adds what is wrong with a part of the options, whose rules name their properties but not the way to the part.</summary>
    public static void AddUnder(this ValidateOptionsResultBuilder faults, string path, ValidateOptionsResult part)
    {
        if (part.Failures is { } failures)
        {
            faults.AddResult(ValidateOptionsResult.Fail(failures.Select(failure => $"{path}:{failure}")));
        }
    }

    /// <summary>The options of another section; the defaults while it has faults, which it tells of itself.</summary>
    public static T ValueOrDefault<T>(this IOptions<T> options)
        where T : class, new()
    {
        try
        {
            return options.Value;
        }
        catch (OptionsValidationException)
        {
            return new T();
        }
    }
}
