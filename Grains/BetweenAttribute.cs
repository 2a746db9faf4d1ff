using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ControlPlane;

/// <summary>The least and the most that a setting may be. Unlike that of <see cref="RangeAttribute"/>, its message has the value.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BetweenAttribute : ValidationAttribute
{
    private readonly IComparable least;
    private readonly IComparable most;

    public BetweenAttribute(long least, long most) => (this.least, this.most) = (least, most);

    public BetweenAttribute(double least, double most) => (this.least, this.most) = (least, most);

    /// <summary>Time spans, as they are written in the configuration: <c>00:00:10</c>, <c>7.00:00:00</c>.</summary>
    public BetweenAttribute(string least, string most) =>
        (this.least, this.most) = (TimeSpan.Parse(least, CultureInfo.InvariantCulture), TimeSpan.Parse(most, CultureInfo.InvariantCulture));

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        var given = value is null ? null : Convert.ChangeType(value, least.GetType(), CultureInfo.InvariantCulture);
        return given is null || (least.CompareTo(given) <= 0 && most.CompareTo(given) >= 0)
            ? ValidationResult.Success
            : new ValidationResult(
                string.Create(CultureInfo.InvariantCulture, $"must be between {least} and {most}, is {value}"),
                [validationContext.MemberName!]);
    }
}
